//! stub
use crate::{Density,Result,params::Scope};
use candle_core::Tensor;
use rand::{RngCore,Rng};
#[derive(Debug)]
pub struct StandardNormal { features: usize }
impl StandardNormal { pub fn new(features: usize)->Self{Self{features}} }
impl Density for StandardNormal {
  fn features(&self)->usize{self.features}
  fn log_prob(&self,x:&Tensor,_c:Option<&Tensor>)->Result<Tensor>{
    let k = -0.5*(2.0*std::f64::consts::PI).ln()*self.features as f64;
    Ok(x.sqr()?.sum(1)?.affine(-0.5,k)?)
  }
  fn sample(&self,n:usize,_c:Option<&Tensor>,rng:&mut dyn RngCore)->Result<Tensor>{
    let v:Vec<f32>=(0..n*self.features).map(|_|rng.sample(rand_distr::StandardNormal)).collect();
    Ok(Tensor::from_vec(v,(n,self.features),&candle_core::Device::Cpu)?)
  }
}
#[derive(Debug)]
pub struct GaussianMixture(StandardNormal);
impl GaussianMixture{ pub fn new(_s:Scope,features:usize,_c:usize)->Result<Self>{Ok(Self(StandardNormal::new(features)))} }
impl Density for GaussianMixture{
  fn features(&self)->usize{self.0.features}
  fn log_prob(&self,x:&Tensor,c:Option<&Tensor>)->Result<Tensor>{self.0.log_prob(x,c)}
  fn sample(&self,n:usize,c:Option<&Tensor>,rng:&mut dyn RngCore)->Result<Tensor>{self.0.sample(n,c,rng)}
}
